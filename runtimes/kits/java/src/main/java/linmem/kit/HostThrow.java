package linmem.kit;

/** What a host function throws when the scenario says that it throws; the text is the scenario's. */
public final class HostThrow extends RuntimeException {
    private static final long serialVersionUID = 1;

    public HostThrow(String message) {
        super(message);
    }
}
