package linmem.kit;

import java.util.List;
import java.util.Map;

/**
 * What a driver says of itself when it starts.
 *
 * @param name the runtime's name
 * @param version the version that the runtime itself reports
 * @param engine what carries out Wasm code
 * @param views the ways into memory
 * @param defaultViews the kind that a user would choose first, by memory type
 * @param wasi the versions of WASI that {@link Driver#wasiInstanceCreate} gives
 */
public record Description(String name, String version, String engine, List<ViewKind> views,
        Map<String, String> defaultViews, List<String> wasi) {}
