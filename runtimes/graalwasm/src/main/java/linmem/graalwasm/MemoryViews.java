package linmem.graalwasm;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;
import linmem.kit.Numbers;
import linmem.kit.Reading;
import linmem.kit.Refused;
import linmem.kit.Value;
import linmem.kit.View;
import linmem.kit.ViewKind;

/** The ways into memory of the polyglot API, which keep the memory, and the buffer of {@code mem_as_byte_buffer}. */
final class MemoryViews {
    private static final List<String> SIGNED = List.of("s8", "s16", "s32", "s64", "f32", "f64");
    static final List<ViewKind> KINDS = List.of(
            new ViewKind("readBufferInt", SIGNED),
            new ViewKind("readBuffer", ViewKind.ALL),
            new ViewKind("getArrayElement", List.of("u8")),
            new ViewKind("mem_as_byte_buffer", List.of("s8", "s16", "s32", "s64", "f32", "f64", "bytes")));

    private MemoryViews() {}

    static View of(org.graalvm.polyglot.Value memory, String kind) {
        return switch (kind) {
            case "readBufferInt" -> new Typed(memory);
            case "readBuffer" -> new Bytes(memory);
            case "getArrayElement" -> new Elements(memory);
            default -> buffer(GraalWasmDriver.webAssembly(memory.getContext(), "mem_as_byte_buffer").execute(memory));
        };
    }

    /** Memories in native memory that are not shared have no buffer: the call gives a value that means nothing. */
    private static View buffer(org.graalvm.polyglot.Value given) {
        if (!given.isHostObject()) {
            throw new Refused("mem_as_byte_buffer gives no buffer of this memory");
        }
        return new Buffer(given.<ByteBuffer>asHostObject().order(LITTLE_ENDIAN));
    }

    /** Views whose kind does no bytes. */
    private interface Scalars extends View {
        @Override
        default Reading readBytes(BigInteger at, BigInteger count) {
            throw new IllegalStateException("the kind does no bytes");
        }

        @Override
        default void writeBytes(BigInteger at, byte[] bytes) {
            throw new IllegalStateException("the kind does no bytes");
        }
    }

    /** An integer of any type is written by the method of its width. */
    private static void store(org.graalvm.polyglot.Value memory, long address, Value value) {
        switch (value.type()) {
            case "u8", "s8" -> memory.writeBufferByte(address, value.asByte());
            case "u16", "s16" -> memory.writeBufferShort(LITTLE_ENDIAN, address, value.asShort());
            case "u32", "s32" -> memory.writeBufferInt(LITTLE_ENDIAN, address, value.asInt());
            case "f32" -> memory.writeBufferFloat(LITTLE_ENDIAN, address, value.asFloat());
            case "f64" -> memory.writeBufferDouble(LITTLE_ENDIAN, address, value.asDouble());
            default -> memory.writeBufferLong(LITTLE_ENDIAN, address, value.asLong());
        }
    }

    /** The methods named after Java's types. */
    private record Typed(org.graalvm.polyglot.Value memory) implements Scalars {
        @Override
        public Reading read(BigInteger at, String type) {
            long address = Numbers.whole(at);
            return switch (type) {
                case "s8" -> Reading.of(type, memory.readBufferByte(address));
                case "s16" -> Reading.of(type, memory.readBufferShort(LITTLE_ENDIAN, address));
                case "s32" -> Reading.of(type, memory.readBufferInt(LITTLE_ENDIAN, address));
                case "f32" -> Reading.of(Value.of(memory.readBufferFloat(LITTLE_ENDIAN, address)));
                case "f64" -> Reading.of(Value.of(memory.readBufferDouble(LITTLE_ENDIAN, address)));
                default -> Reading.of(type, memory.readBufferLong(LITTLE_ENDIAN, address));
            };
        }

        @Override
        public void write(BigInteger at, Value value) {
            store(memory, Numbers.whole(at), value);
        }

        @Override
        public long length() {
            return memory.getBufferSize();
        }
    }

    /** Bytes are read at once, and written one by one. */
    private record Bytes(org.graalvm.polyglot.Value memory) implements View {
        @Override
        public Reading read(BigInteger at, String type) {
            return readBytes(at, BigInteger.valueOf(Numbers.width(type)));
        }

        @Override
        public Reading readBytes(BigInteger at, BigInteger count) {
            byte[] bytes = new byte[Numbers.count(count)];
            memory.readBuffer(Numbers.whole(at), bytes, 0, bytes.length);
            return Reading.of(bytes);
        }

        @Override
        public void write(BigInteger at, Value value) {
            store(memory, Numbers.whole(at), value);
        }

        @Override
        public void writeBytes(BigInteger at, byte[] bytes) {
            long address = Numbers.whole(at);
            for (int i = 0; i < bytes.length; i++) {
                memory.writeBufferByte(address + i, bytes[i]);
            }
        }

        @Override
        public long length() {
            return memory.getBufferSize();
        }
    }

    /** Elements are polyglot values, which Java programs take and give as what they are. */
    private record Elements(org.graalvm.polyglot.Value memory) implements Scalars {
        @Override
        public Reading read(BigInteger at, String type) {
            return Reading.of(type, memory.getArrayElement(Numbers.whole(at)).asInt());
        }

        @Override
        public void write(BigInteger at, Value value) {
            memory.setArrayElement(Numbers.whole(at), value.asByte());
        }

        /** Any object is taken; an integer is the smallest of Java's literals that holds it. */
        @Override
        public void hand(BigInteger at, String type, Object value) {
            Object given = value;
            if (value instanceof BigInteger number) {
                given = number.bitLength() < 32 ? (Object) number.intValue()
                        : number.bitLength() < 64 ? (Object) number.longValue() : number;
            }
            memory.setArrayElement(Numbers.whole(at), given);
        }

        @Override
        public long length() {
            return memory.getArraySize();
        }
    }

    /** A buffer stays as it was opened, whatever becomes of the memory. */
    private record Buffer(ByteBuffer buffer) implements View {
        @Override
        public Reading read(BigInteger at, String type) {
            int address = Numbers.address(at);
            return switch (type) {
                case "s8" -> Reading.of(type, buffer.get(address));
                case "s16" -> Reading.of(type, buffer.getShort(address));
                case "s32" -> Reading.of(type, buffer.getInt(address));
                case "f32" -> Reading.of(Value.of(buffer.getFloat(address)));
                case "f64" -> Reading.of(Value.of(buffer.getDouble(address)));
                default -> Reading.of(type, buffer.getLong(address));
            };
        }

        @Override
        public Reading readBytes(BigInteger at, BigInteger count) {
            byte[] bytes = new byte[Numbers.count(count)];
            buffer.get(Numbers.address(at), bytes);
            return Reading.of(bytes);
        }

        @Override
        public void write(BigInteger at, Value value) {
            int address = Numbers.address(at);
            switch (value.type()) {
                case "s8" -> buffer.put(address, value.asByte());
                case "s16" -> buffer.putShort(address, value.asShort());
                case "s32" -> buffer.putInt(address, value.asInt());
                case "f32" -> buffer.putFloat(address, value.asFloat());
                case "f64" -> buffer.putDouble(address, value.asDouble());
                default -> buffer.putLong(address, value.asLong());
            }
        }

        @Override
        public void writeBytes(BigInteger at, byte[] bytes) {
            buffer.put(Numbers.address(at), bytes);
        }

        @Override
        public long length() {
            return buffer.limit();
        }
    }
}
