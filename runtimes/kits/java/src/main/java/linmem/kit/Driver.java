package linmem.kit;

import java.math.BigInteger;
import java.util.List;

/**
 * What a driver is: the calls of one runtime's API. {@link Session} does the rest of the protocol
 * (docs/driver-protocol.md).
 *
 * <p>A method that a driver does not override is answered <em>method not found</em>. Methods let every exception of the
 * runtime through; {@link #classify} says what it means. Pages, addresses and counts come as the scenario has them.
 *
 * @param <P> compiled modules (programs)
 * @param <I> instances
 * @param <F> functions
 * @param <G> globals
 * @param <M> memories
 */
public interface Driver<P, I, F, G, M> {
    /** Thrown for a method of the protocol that the driver does not have. */
    final class MethodMissing extends RuntimeException {
        private static final long serialVersionUID = 1;

        MethodMissing() {
            super(null, null, false, false);
        }
    }

    Description description();

    /** What an exception that came out of one of these methods means; {@code method} is the protocol's name. */
    Failure classify(String method, Throwable error);

    /** What a host function throws where the scenario says {@code host} or {@code trap}. */
    default RuntimeException hostError(String kind, String message) {
        return new HostThrow(message);
    }

    P moduleCompile(byte[] bytes) throws Exception;

    I instanceCreate(P module, List<Import<I, G, M>> imports) throws Exception;

    /** An instance that the runtime's own WASI serves; a reactor's {@code _initialize} is called as its users do. */
    default I wasiInstanceCreate(P module, List<Import<I, G, M>> imports, Wasi wasi) throws Exception {
        throw new Refused("the driver brings no WASI");
    }

    List<Value> functionCall(I instance, String name, List<Value> args, List<String> results) throws Exception;

    default F functionExport(I instance, String name) throws Exception {
        throw new MethodMissing();
    }

    /** Call a function that {@link #functionExport} gave. */
    default List<Value> functionApply(F function, List<Value> args, List<String> results) throws Exception {
        throw new MethodMissing();
    }

    default G globalCreate(Value value, boolean mutable) throws Exception {
        throw new MethodMissing();
    }

    default G globalExport(I instance, String name) throws Exception {
        throw new MethodMissing();
    }

    default Value globalGet(G global, String type) throws Exception {
        throw new MethodMissing();
    }

    default void globalSet(G global, Value value) throws Exception {
        throw new MethodMissing();
    }

    M memoryExport(I instance, String name) throws Exception;

    /** A memory of the instance that calls the host function that is running, by the API's own way. */
    default M memoryCaller(String name) throws Exception {
        throw new Refused("the host API does not tell a host function which instance calls it");
    }

    /** A memory made by the host. Sizes are in pages of 65,536 bytes; {@code max} may be null. */
    default M memoryCreate(BigInteger min, BigInteger max, boolean shared, String index) throws Exception {
        throw new MethodMissing();
    }

    /** Pages, or bytes divided by {@code pageSize} where the API counts only bytes. */
    BigInteger memorySize(M memory, long pageSize) throws Exception;

    /** The pages before, or null where the API gives none. */
    BigInteger memoryGrow(M memory, BigInteger delta) throws Exception;

    /** Open a view. Sizes are in bytes; null where not given. */
    View viewOpen(M memory, String kind, BigInteger offset, BigInteger length) throws Exception;

    /** Make an agent's instance; called in the agent's own thread, one agent after the other. */
    default I agentCreate(P module, List<Import<I, G, M>> imports) throws Exception {
        throw new MethodMissing();
    }

    /** Let go of what holds the API's objects, if there is such a thing; the scenario may have kept views. */
    default void releaseStore() throws Exception {}

    /** Nothing of the scenario is needed any more; compiled modules are. */
    default void releaseAll() throws Exception {}
}
