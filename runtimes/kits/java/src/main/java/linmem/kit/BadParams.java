package linmem.kit;

/** The parameters of a request are wrong: a key that is missing, an object that was never asked for. */
final class BadParams extends RuntimeException {
    private static final long serialVersionUID = 1;

    BadParams(String message) {
        super(message, null, false, false);
    }
}
