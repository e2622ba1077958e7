using System.Buffers.Text;
using System.Globalization;

namespace Coach.AspNetCore;

/// <summary>Numbers as both formats write them: the shortest text that reads back as the same value.</summary>
internal static class NumberText
{
    /// <summary>No number is longer.</summary>
    public const int MaxLength = 32;

    public static int Write(long value, Span<byte> destination)
    {
        // Counts are mostly small; the general formatter costs twice as much for them.
        if ((ulong)value < 10)
        {
            destination[0] = (byte)('0' + value);
            return 1;
        }

        Utf8Formatter.TryFormat(value, destination, out int length);
        return length;
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

            // Up to six decimals and 15 digits: m / 10^6 is rounded correctly, as reading the text is, so equality proves the text.
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
            ReadOnlySpan<byte> text = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
            text.CopyTo(destination);
            return text.Length;
        }

        value.TryFormat(destination, out int length, provider: CultureInfo.InvariantCulture);
        return length;
    }

    /// <summary>
    /// A bucket bound in OpenMetrics' canonical form, which is Go's <c>%g</c> with <c>.0</c> after whole numbers:
    /// <c>0.1</c>, <c>1.0</c>, <c>1e+06</c>, <c>+Inf</c>.
    /// </summary>
    public static string Bound(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        }

        if (value == 0)
        {
            return "0.0";
        }

        // The shortest digits and their exponent, however .NET laid them out.
        string sign = value < 0 ? "-" : "";
        string scientific = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int exponent = int.Parse(scientific.AsSpan(scientific.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = shortest.Split('E')[0].Replace(".", "", StringComparison.Ordinal).Trim('0');
        if (mantissa.Length == 0)
        {
            mantissa = "0";
        }

        if (shortest.Contains('E', StringComparison.Ordinal))
        {
            exponent = int.Parse(shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
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

    private static int WriteMillionths(long millionths, bool isNegative, Span<byte> destination)
    {
        int at = 0;
        if (isNegative)
        {
            destination[at++] = (byte)'-';
        }

        long whole = Math.DivRem(millionths, 1_000_000, out long fraction);
        at += Write(whole, destination[at..]);
        destination[at++] = (byte)'.';
        int digits = 6;
        while (fraction % 10 == 0)
        {
            fraction /= 10;
            digits--;
        }

        for (int i = at + digits - 1; i >= at; i--)
        {
            destination[i] = (byte)('0' + (fraction % 10));
            fraction /= 10;
        }

        return at + digits;
    }
}
