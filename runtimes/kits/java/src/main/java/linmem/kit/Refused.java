package linmem.kit;

/**
 * An answer of the driver itself, where the runtime was not asked: error kind {@code unsupported}.
 *
 * <p>A driver throws it for what its API has no way to do. {@link #notExpressible} is for what no Java program could
 * say, because it would not compile.
 */
public final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;

    final boolean expressible;

    public Refused(String message) {
        this(message, true);
    }

    private Refused(String message, boolean expressible) {
        super(message, null, false, false);
        this.expressible = expressible;
    }

    /** What Java's types or the API's signatures make impossible to write. */
    public static Refused notExpressible(String message) {
        return new Refused(message, false);
    }
}
