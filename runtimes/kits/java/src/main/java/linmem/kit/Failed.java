package linmem.kit;

/** The runtime refused or failed: the exception that came out of a driver's method. */
final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    final String method;

    Failed(String method, Throwable error) {
        super(null, error, false, false);
        this.method = method;
    }
}
