package linmem.kit;

import java.math.BigInteger;

/**
 * A typed value of the protocol: of a value type ({@code i32 i64 f32 f64}) or of a memory type.
 *
 * <p>What the harness gives is an unsigned integer, for floats the bit pattern, and may be out of the type's range.
 * What a driver gives keeps the sign that the host API gave it.
 *
 * @param type the protocol's name of the type
 * @param number the integer; for floats the bit pattern
 */
public record Value(String type, BigInteger number) {
    /** An integer as the host API gave it, with its sign. */
    public static Value of(String type, long number) {
        return new Value(type, BigInteger.valueOf(number));
    }

    /** An {@code f32} as Java has it: its bit pattern is told. */
    public static Value of(float number) {
        return bits("f32", Float.floatToRawIntBits(number));
    }

    /** An {@code f64} as Java has it: its bit pattern is told. */
    public static Value of(double number) {
        return bits("f64", Double.doubleToRawLongBits(number));
    }

    /** A float that the API gave as a bit pattern. */
    public static Value bits(String type, long bits) {
        return new Value(type, Numbers.unsigned(type, BigInteger.valueOf(bits)));
    }

    /**
     * What a method whose parameter is of the type's Java type makes of a value: an integer is a literal, which becomes a
     * {@code float}, {@code double} or {@code long} where one is due, and never a {@code byte} or a {@code short}. Throws
     * {@link Refused} where javac would refuse it.
     */
    public static Value literal(String type, Object value) {
        if (value instanceof Double number && type.equals("f64")) {
            return of(number);
        } else if (value instanceof BigInteger number && number.bitLength() < 64) {
            long integer = number.longValue();
            switch (type) {
                case "f64": return of((double) integer);
                case "f32": return of((float) integer);
                case "s64", "u64": return of(type, integer);
                case "s32", "u32":
                    if (number.bitLength() < 32) {
                        return of("s32", integer);
                    }
                    break;
                default:
            }
        }
        String what = value == null ? "null" : "a " + value.getClass().getSimpleName();
        throw Refused.notExpressible("javac takes no " + what + " for a " + type + " here");
    }

    /** As a Java {@code byte}. Throws {@link Refused} where no byte has these bits. */
    public byte asByte() {
        return (byte) fitting(8, "byte");
    }

    /** As a Java {@code short}. Throws {@link Refused} where no short has these bits. */
    public short asShort() {
        return (short) fitting(16, "short");
    }

    /** As a Java {@code int}. Throws {@link Refused} where no int has these bits. */
    public int asInt() {
        return (int) fitting(32, "int");
    }

    /** As a Java {@code long}. Throws {@link Refused} where no long has these bits. */
    public long asLong() {
        return fitting(64, "long");
    }

    /** The {@code float} with this bit pattern. */
    public float asFloat() {
        return Float.intBitsToFloat(asInt());
    }

    /** The {@code double} with this bit pattern. */
    public double asDouble() {
        return Double.longBitsToDouble(asLong());
    }

    /** As the Java type that stands for the value type: Integer, Long, Float or Double. */
    public Object boxed() {
        return switch (type) {
            case "i32" -> asInt();
            case "i64" -> asLong();
            case "f32" -> asFloat();
            case "f64" -> asDouble();
            default -> throw new Refused("the driver passes no " + type + " values");
        };
    }

    /** The signed Java integer with these bits: 255 and -1 are one byte, 256 is none. */
    private long fitting(int bits, String java) {
        boolean signed = type.startsWith("s");
        int most = signed ? bits - 1 : bits;
        if (number.signum() < 0 ? number.bitLength() >= bits : number.bitLength() > most) {
            throw Refused.notExpressible(number + " is no " + java);
        }
        return number.longValue();
    }
}
