package linmem.kit;

/** A refusal of the API that it tells by a value, not by an exception: {@code -1}, or {@code false}. */
public final class Told extends Exception {
    private static final long serialVersionUID = 1;

    final String value;

    /**
     * A refusal: error kind {@code host}.
     *
     * @param value what the API gave, which stands where an exception's class does
     * @param message which call gave it
     */
    public Told(String value, String message) {
        super(message);
        this.value = value;
    }
}
