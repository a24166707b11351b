package linmem.chicory;

import com.dylibso.chicory.runtime.Memory;
import java.math.BigInteger;
import java.util.List;
import linmem.kit.Numbers;
import linmem.kit.Reading;
import linmem.kit.Refused;
import linmem.kit.Value;
import linmem.kit.View;
import linmem.kit.ViewKind;

/** The ways into memory that {@link Memory} has. Keeping a view is keeping the memory itself. */
abstract class MemoryViews implements View {
    static final List<ViewKind> KINDS = List.of(
            new ViewKind("readI32", List.of("u8", "s8", "u16", "s16", "u32", "s32", "s64", "f32", "f64")),
            new ViewKind("readInt", List.of("s8", "s16", "s32", "s64", "f32", "f64")),
            new ViewKind("readBytes", ViewKind.ALL));

    final Memory memory;

    private MemoryViews(Memory memory) {
        this.memory = memory;
    }

    static View of(Memory memory, String kind) {
        return switch (kind) {
            case "readI32" -> new Wide(memory);
            case "readInt" -> new Typed(memory);
            default -> new Bytes(memory);
        };
    }

    /** The API's own number of bytes, of which there are at most 32,767 pages. */
    @Override
    public long length() {
        return Memory.bytes(memory.pages());
    }

    /** Both families write by the same methods, whose parameters are Java's types. */
    private abstract static class Scalars extends MemoryViews {
        Scalars(Memory memory) {
            super(memory);
        }

        @Override
        public Reading readBytes(BigInteger at, BigInteger count) {
            throw new IllegalStateException("the kind does no bytes");
        }

        @Override
        public void writeBytes(BigInteger at, byte[] bytes) {
            throw new IllegalStateException("the kind does no bytes");
        }

        @Override
        public void write(BigInteger at, Value value) {
            int address = Numbers.address(at);
            switch (value.type()) {
                case "u8", "s8" -> memory.writeByte(address, value.asByte());
                case "u16", "s16" -> memory.writeShort(address, value.asShort());
                case "u32", "s32" -> memory.writeI32(address, value.asInt());
                case "f32" -> memory.writeF32(address, value.asFloat());
                case "f64" -> memory.writeF64(address, value.asDouble());
                default -> memory.writeLong(address, value.asLong());
            }
        }
    }

    /** The methods named after Wasm's types, which return a {@code long}; of floats it is the bit pattern. */
    private static final class Wide extends Scalars {
        Wide(Memory memory) {
            super(memory);
        }

        @Override
        public Reading read(BigInteger at, String type) {
            int address = Numbers.address(at);
            return switch (type) {
                case "u8" -> Reading.of(type, memory.readU8(address));
                case "s8" -> Reading.of(type, memory.readI8(address));
                case "u16" -> Reading.of(type, memory.readU16(address));
                case "s16" -> Reading.of(type, memory.readI16(address));
                case "u32" -> Reading.of(type, memory.readU32(address));
                case "s32" -> Reading.of(type, memory.readI32(address));
                case "f32" -> Reading.of(Value.bits(type, memory.readF32(address)));
                case "f64" -> Reading.of(Value.bits(type, memory.readF64(address)));
                default -> Reading.of(type, memory.readI64(address));
            };
        }
    }

    /** The methods that return Java's own types, all of them signed. */
    private static final class Typed extends Scalars {
        Typed(Memory memory) {
            super(memory);
        }

        @Override
        public Reading read(BigInteger at, String type) {
            int address = Numbers.address(at);
            return switch (type) {
                case "s8" -> Reading.of(type, memory.read(address));
                case "s16" -> Reading.of(type, memory.readShort(address));
                case "s32" -> Reading.of(type, memory.readInt(address));
                case "f32" -> Reading.of(Value.of(memory.readFloat(address)));
                case "f64" -> Reading.of(Value.of(memory.readDouble(address)));
                default -> Reading.of(type, memory.readLong(address));
            };
        }
    }

    /** {@code readBytes} and {@code write}, which copy byte arrays. */
    private static final class Bytes extends MemoryViews {
        Bytes(Memory memory) {
            super(memory);
        }

        @Override
        public Reading read(BigInteger at, String type) {
            return Reading.of(memory.readBytes(Numbers.address(at), Numbers.width(type)));
        }

        @Override
        public Reading readBytes(BigInteger at, BigInteger count) {
            return Reading.of(memory.readBytes(Numbers.address(at), Numbers.count(count)));
        }

        @Override
        public void write(BigInteger at, Value value) {
            memory.write(Numbers.address(at), Numbers.packed(value));
        }

        @Override
        public void writeBytes(BigInteger at, byte[] bytes) {
            memory.write(Numbers.address(at), bytes);
        }

        /** Of Java's values only null passes for a byte array. */
        @Override
        public void hand(BigInteger at, String type, Object value) {
            if (value != null) {
                throw Refused.notExpressible("javac takes only a byte[] here");
            }
            memory.write(Numbers.address(at), null);
        }
    }

    static Refused noPart() {
        return new Refused("Memory's methods have no offset and no length");
    }
}
