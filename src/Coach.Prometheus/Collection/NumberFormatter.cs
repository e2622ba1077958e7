using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Coach.Prometheus.Collection;

/// <summary>Numbers as both formats write them: the shortest text that reads back as the same value.</summary>
internal static class NumberFormatter
{
    /// <summary>No number is longer.</summary>
    public const int MaxLength = 32;

    // The general formatter costs two to three times as much for the small numbers that most counters are.
    public static int Write(long value, Span<byte> destination)
    {
        if ((ulong)value >= 100_000_000)
        {
            value.TryFormat(destination, out int length, default, CultureInfo.InvariantCulture);
            return length;
        }

        uint rest = (uint)value;
        int digits = Digits(rest);
        ref byte start = ref destination[..digits][0];
        int at = digits;
        while (rest >= 100)
        {
            uint high = rest / 100;
            WritePair(rest - (high * 100), ref Unsafe.Add(ref start, at -= 2));
            rest = high;
        }

        if (rest >= 10)
        {
            WritePair(rest, ref start);
        }
        else
        {
            start = (byte)('0' + rest);
        }

        return digits;
    }

    public static int Write(double value, Span<byte> destination)
    {
        double magnitude = Math.Abs(value);
        if (magnitude < 1e15)
        {
            long whole = (long)value;
            if (whole == value)
            {
                return Write(whole, destination);
            }

            // Up to six decimals and 15 digits: m / 10^6 is rounded correctly, as reading the text is, so equality
            // proves the text.
            double scaled = magnitude * 1e6;
            if (scaled < 1e15)
            {
                long millionths = (long)(scaled + 0.5);
                if (millionths / 1e6 == magnitude)
                {
                    return WriteMillionths(millionths, value < 0, destination);
                }
            }
        }

        if (!double.IsFinite(value))
        {
            return Encoding.ASCII.GetBytes(NotFinite(value), destination);
        }

        value.TryFormat(destination, out int length, provider: CultureInfo.InvariantCulture);
        return length;
    }

    /// <summary>
    /// Seconds with three decimals, always: what follows on a page stays in its place when only the time changes.
    /// </summary>
    public static int WriteSeconds(long ticks, Span<byte> destination)
    {
        long milliseconds = ticks / TimeSpan.TicksPerMillisecond;
        long seconds = milliseconds / 1000;
        uint rest = (uint)(milliseconds - (seconds * 1000));
        int length;
        if (seconds is >= 100_000_000 and < 10_000_000_000)
        {
            // Every second from 1973 to 2286 has nine or ten digits.
            long high = seconds / 100_000_000;
            uint low = (uint)(seconds - (high * 100_000_000));
            length = Write(high, destination);
            ref byte digits = ref destination.Slice(length, 8)[0];
            for (int at = 6; at >= 0; at -= 2)
            {
                uint shorter = low / 100;
                WritePair(low - (shorter * 100), ref Unsafe.Add(ref digits, at));
                low = shorter;
            }

            length += 8;
        }
        else
        {
            length = Write(seconds, destination);
        }

        Span<byte> tail = destination.Slice(length, 4);
        tail[0] = (byte)'.';
        tail[1] = (byte)('0' + (rest / 100));
        WritePair(rest % 100, ref tail[2]);
        return length + 4;
    }

    /// <summary>
    /// A bucket bound in OpenMetrics' canonical form, which is Go's <c>%g</c> with <c>.0</c> after whole numbers:
    /// <c>0.1</c>, <c>1.0</c>, <c>1e+06</c>, <c>+Inf</c>.
    /// </summary>
    public static string Bound(double value)
    {
        if (!double.IsFinite(value))
        {
            return NotFinite(value);
        }

        if (value == 0)
        {
            return "0.0";
        }

        // The shortest digits and their exponent, however .NET laid them out.
        string sign = value < 0 ? "-" : "";
        string scientific = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int exponent = int.Parse(
            scientific.AsSpan(scientific.IndexOf('E', StringComparison.Ordinal) + 1),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);
        string mantissa = shortest.Split('E')[0].Replace(".", "", StringComparison.Ordinal).Trim('0');
        if (mantissa.Length == 0)
        {
            mantissa = "0";
        }

        if (shortest.Contains('E', StringComparison.Ordinal))
        {
            exponent = int.Parse(
                shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1),
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture);
        }

        if (exponent is < -4 or >= 6)
        {
            string fraction = mantissa.Length > 1 ? "." + mantissa[1..] : "";
            return $"{sign}{mantissa[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{mantissa}";
        }

        return mantissa.Length <= exponent + 1
            ? $"{sign}{mantissa.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{mantissa[..(exponent + 1)]}.{mantissa[(exponent + 1)..]}";
    }

    private static string NotFinite(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => "NaN",
    };

    private static int WriteMillionths(long millionths, bool isNegative, Span<byte> destination)
    {
        int at = 0;
        if (isNegative)
        {
            destination[at++] = (byte)'-';
        }

        ulong whole = (ulong)millionths / 1_000_000;
        uint fraction = (uint)((ulong)millionths - (whole * 1_000_000));
        at += Write((long)whole, destination[at..]);
        Span<byte> tail = destination.Slice(at, 7);
        tail[0] = (byte)'.';
        uint high = fraction / 10_000;
        uint low = fraction - (high * 10_000);
        WritePair(high, ref tail[1]);
        WritePair(low / 100, ref tail[3]);
        WritePair(low % 100, ref tail[5]);
        int length = 7;
        while (tail[length - 1] == (byte)'0')
        {
            length--;
        }

        return at + length;
    }

    private static int Digits(uint value) => value switch
    {
        < 10 => 1,
        < 100 => 2,
        < 1000 => 3,
        < 10_000 => 4,
        < 100_000 => 5,
        < 1_000_000 => 6,
        < 10_000_000 => 7,
        _ => 8,
    };

    private static void WritePair(uint value, ref byte destination) =>
        Unsafe.WriteUnaligned(
            ref destination,
            Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref MemoryMarshal.GetReference(Pairs), (int)value * 2)));

    private static ReadOnlySpan<byte> Pairs =>
        "0001020304050607080910111213141516171819"u8
        + "2021222324252627282930313233343536373839"u8
        + "4041424344454647484950515253545556575859"u8
        + "6061626364656667686970717273747576777879"u8
        + "8081828384858687888990919293949596979899"u8;
}
