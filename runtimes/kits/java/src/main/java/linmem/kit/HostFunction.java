package linmem.kit;

import java.util.List;

/** A host function: asks the harness what it gives. It may throw what {@link Driver#hostError} makes. */
@FunctionalInterface
public interface HostFunction {
    List<Value> call(List<Value> arguments);
}
