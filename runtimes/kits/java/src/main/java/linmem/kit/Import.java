package linmem.kit;

import java.util.List;

/**
 * One import of a new instance.
 *
 * @param <I> the driver's instances
 * @param <G> its globals
 * @param <M> its memories
 */
public sealed interface Import<I, G, M> {
    /** The first name that the module imports it by. */
    String module();

    /** The second name. */
    String name();

    /** A function that calls the harness. {@code params} and {@code results} are value types. */
    record Function<I, G, M>(String module, String name, HostFunction function, List<String> params,
            List<String> results) implements Import<I, G, M> {}

    /** A memory that the driver made or exported. */
    record Memory<I, G, M>(String module, String name, M memory) implements Import<I, G, M> {}

    /** A global that the driver made or exported. */
    record Global<I, G, M>(String module, String name, G global) implements Import<I, G, M> {}

    /** An export of another instance, of whatever kind. */
    record Export<I, G, M>(String module, String name, I instance, String export) implements Import<I, G, M> {}

    /** A global to be made, for an agent, in its own thread. */
    record New<I, G, M>(String module, String name, Value value, boolean mutable) implements Import<I, G, M> {}
}
