package linmem.kit;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;

/** Integers on their way between the protocol and Java. Nothing here clamps or wraps. */
public final class Numbers {
    private static final BigInteger SAFE = BigInteger.ONE.shiftLeft(53);
    private static final Map<String, Integer> WIDTHS = Map.ofEntries(
            Map.entry("u8", 1), Map.entry("s8", 1), Map.entry("u16", 2), Map.entry("s16", 2), Map.entry("u32", 4),
            Map.entry("s32", 4), Map.entry("u64", 8), Map.entry("s64", 8), Map.entry("f32", 4), Map.entry("f64", 8),
            Map.entry("i32", 4), Map.entry("i64", 8), Map.entry("bytes", 1));

    private Numbers() {}

    /** The bytes that a value of a memory or value type takes; null for a type that has no width here. */
    public static Integer width(String type) {
        return WIDTHS.get(type);
    }

    /**
     * An address for an API that takes {@code int}: the int with these 32 bits, as a Java program has a guest's
     * pointer. Throws {@link Refused} for one that does not fit into 32 bits.
     */
    public static int address(BigInteger at) {
        if (at.bitLength() > 32 || at.signum() < 0 && at.bitLength() > 31) {
            throw Refused.notExpressible("an address is an int, and " + at + " has no place in 32 bits");
        }
        return at.intValue();
    }

    /** A count of bytes or pages for an API that takes {@code int}. Throws {@link Refused} beyond. */
    public static int count(BigInteger number) {
        if (number.bitLength() > 31) {
            throw Refused.notExpressible("the API takes an int, and " + number + " is none");
        }
        return number.intValue();
    }

    /** An address or a count for an API that takes {@code long}. Throws {@link Refused} beyond. */
    public static long whole(BigInteger number) {
        if (number.bitLength() > 63) {
            throw Refused.notExpressible("the API takes a long, and " + number + " is none");
        }
        return number.longValue();
    }

    /**
     * The little-endian bytes of a memory value, for an API that takes bytes. Throws {@link Refused} where no bytes of
     * the type stand for it: there is nothing to give to the API.
     */
    public static byte[] packed(Value value) {
        int width = WIDTHS.get(value.type());
        BigInteger number = value.number();
        boolean signed = value.type().startsWith("s");
        boolean fits = number.bitLength() <= (signed ? 8 * width - 1 : 8 * width);
        fits &= signed || number.signum() >= 0;
        if (!fits) {
            throw new Refused("the host API takes bytes, and " + number + " is no " + value.type());
        }
        byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number.longValue()).array();
        return Arrays.copyOf(all, width);
    }

    /** An integer modulo its type's width; of a type without one as it is. */
    static BigInteger unsigned(String type, BigInteger number) {
        Integer width = type == null ? null : WIDTHS.get(type);
        return width == null ? number : number.mod(BigInteger.ONE.shiftLeft(8 * width));
    }

    /** The integer that bytes hold, if there are just as many as the type takes; else null. */
    static BigInteger held(String type, byte[] bytes) {
        if (type.equals("bytes") || bytes.length != WIDTHS.get(type)) {
            return null;
        }
        byte[] big = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            big[bytes.length - 1 - i] = bytes[i];
        }
        return new BigInteger(1, big);
    }

    /** Whether a JSON integer may carry it; beyond, a decimal string does. */
    static boolean safe(BigInteger number) {
        return number.abs().compareTo(SAFE) < 0;
    }
}
