package linmem.kit;

import java.util.List;

/**
 * A way into memory that a host API has. An index counts bytes.
 *
 * @param kind its name, after the API's methods
 * @param types the memory types it reads and writes
 */
public record ViewKind(String kind, List<String> types) {
    /** Every memory type, in the protocol's order. */
    public static final List<String> ALL =
            List.of("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bytes");
}
