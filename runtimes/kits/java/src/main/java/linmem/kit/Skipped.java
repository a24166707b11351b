package linmem.kit;

/** The request uses an object or a result of a request that failed: nothing is done. */
final class Skipped extends RuntimeException {
    private static final long serialVersionUID = 1;

    Skipped(String message) {
        super(message, null, false, false);
    }
}
