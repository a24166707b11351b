package linmem.kit;

import java.math.BigInteger;

/**
 * A host's way into one memory, fresh for one access or kept by a scenario.
 *
 * <p>Addresses are as the scenario has them, out of range or not: {@link Numbers} makes of them what an API takes. What
 * the API throws is let through.
 */
public interface View {
    /** One value of a memory type other than {@code bytes}. */
    Reading read(BigInteger at, String type);

    /** So many bytes. */
    Reading readBytes(BigInteger at, BigInteger count);

    /** Write one value of a memory type other than {@code bytes}. */
    void write(BigInteger at, Value value);

    /** Write bytes. */
    void writeBytes(BigInteger at, byte[] bytes);

    /** Its length in bytes, as the API gives it. */
    long length();

    /**
     * Give the API a value of Java's own types: a {@link Double}, {@link BigInteger}, {@link String}, {@link Boolean},
     * or null. Java's compiler refuses most of them, see {@link Value#literal}.
     */
    default void hand(BigInteger at, String type, Object value) {
        write(at, Value.literal(type, value));
    }
}
