package linmem.kit;

/** What a read gave: a value, or bytes that the harness decodes. */
public sealed interface Reading {
    /** A number of a memory type. */
    record Number(Value value) implements Reading {}

    /** Bytes, whatever type was asked for; possibly fewer than that. */
    record Bytes(byte[] bytes) implements Reading {}

    /** An integer as the API gave it, with its sign. */
    static Reading of(String type, long number) {
        return new Number(Value.of(type, number));
    }

    static Reading of(Value value) {
        return new Number(value);
    }

    static Reading of(byte[] bytes) {
        return new Bytes(bytes);
    }
}
