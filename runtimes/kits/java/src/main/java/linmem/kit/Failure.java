package linmem.kit;

import java.util.List;

/**
 * What an exception of the runtime means in the protocol's terms.
 *
 * @param kind {@code compile}, {@code link}, {@code trap}, {@code exit} or {@code host}
 * @param message a trap in the specification's words if the driver knows it, else the runtime's own
 * @param messages all of the specification's messages that a trap's text can stand for; empty if there is one
 */
public record Failure(String kind, String message, List<String> messages) {
    public Failure(String kind, String message) {
        this(kind, message, List.of());
    }
}
