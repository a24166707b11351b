package linmem.kit;

import java.util.List;
import java.util.Map;

/**
 * What a guest is to find through the runtime's own WASI. Standard input is empty; standard output and error are the
 * process's, and {@link Channel} has them lead to standard error.
 *
 * @param version {@code preview1}, or {@code unstable} for a module that imports {@code wasi_unstable}
 * @param args the arguments, the program's name first
 * @param env the environment variables, in order
 * @param preopens the folders, by the path that the guest sees
 */
public record Wasi(String version, List<String> args, Map<String, String> env, Map<String, String> preopens) {}
