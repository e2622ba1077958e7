using System.Globalization;

namespace Coach.Payments.Amounts;

/// <summary>Amounts as people write and read them, digit by digit: no floating point.</summary>
internal static class MoneyText
{
    private const int LongestText = 64;
    private const int MaxGroups = 16;

    public static string Format(long minorUnits, CurrencyRules rules, IFormatProvider? formatProvider)
    {
        decimal major = (decimal)minorUnits / rules.UnitsPerMajor;
        string number = formatProvider is null
            ? major.ToString($"F{rules.ShownDigits}", CultureInfo.InvariantCulture)
            : major.ToString($"N{rules.ShownDigits}", formatProvider);
        return $"{number} {rules.Code.ToUpperInvariant()}";
    }

    public static bool TryParse(string? text, string? currency, NumberFormatInfo format, out Money money)
    {
        money = default;
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest.IsEmpty || rest.Length > LongestText)
        {
            return false;
        }

        ReadOnlySpan<char> code = TakeCode(ref rest);
        if (!code.IsEmpty && !string.IsNullOrEmpty(currency)
            && !code.Equals(currency, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        CurrencyRules? rules = CurrencyRules.Find(code.IsEmpty ? currency : code);
        return rules is not null && TryDigits(rest, rules, format, out long minorUnits)
            && Money.TryCreate(minorUnits, rules.Code, out money);
    }

    private static ReadOnlySpan<char> TakeCode(ref ReadOnlySpan<char> text)
    {
        if (text.Length < 4)
        {
            return default;
        }

        ReadOnlySpan<char> code;
        if (char.IsAsciiLetter(text[^1]))
        {
            code = text[^3..];
            text = text[..^3].TrimEnd();
        }
        else if (char.IsAsciiLetter(text[0]))
        {
            code = text[..3];
            text = text[3..].TrimStart();
        }
        else
        {
            return default;
        }

        return code;
    }

    private static bool TryDigits(
        ReadOnlySpan<char> text, CurrencyRules rules, NumberFormatInfo format, out long minorUnits)
    {
        minorUnits = 0;
        int dot = text.IndexOf(format.NumberDecimalSeparator, StringComparison.Ordinal);
        ReadOnlySpan<char> whole = dot < 0 ? text : text[..dot];
        ReadOnlySpan<char> part = dot < 0 ? default : text[(dot + format.NumberDecimalSeparator.Length)..];
        if (whole.IsEmpty || (dot >= 0 && part.IsEmpty) || part.Length > rules.ShownDigits
            || !TryWhole(whole, format, rules.Maximum, out long units))
        {
            return false;
        }

        // Fixed point by hand: missing digits count as zeros, and there is no rounding that could lose one.
        long fraction = 0;
        for (int i = 0; i < rules.MinorDigits; i++)
        {
            int digit = 0;
            if (i < part.Length)
            {
                if (!char.IsAsciiDigit(part[i]))
                {
                    return false;
                }

                digit = part[i] - '0';
            }

            fraction = (fraction * 10) + digit;
        }

        minorUnits = (units * rules.UnitsPerMajor) + fraction;
        return true;
    }

    private static bool TryWhole(
        ReadOnlySpan<char> whole, NumberFormatInfo format, long most, out long units)
    {
        units = 0;
        Span<int> groups = stackalloc int[MaxGroups];
        int last = 0;
        string separator = format.NumberGroupSeparator;
        for (int i = 0; i < whole.Length; i++)
        {
            if (char.IsAsciiDigit(whole[i]))
            {
                units = (units * 10) + (whole[i] - '0');
                groups[last]++;
                if (units > most)
                {
                    return false;
                }
            }
            else if (separator.Length == 0 || !whole[i..].StartsWith(separator, StringComparison.Ordinal)
                || last == MaxGroups - 1)
            {
                return false;
            }
            else
            {
                last++;
                i += separator.Length - 1;
            }
        }

        return last == 0 || AreOfTheirSizes(groups[..(last + 1)], format.NumberGroupSizes);
    }

    // From the right: 3 and 3 in most places, 3 and 2 in India; the leftmost may be shorter. The last size holds for
    // all further groups.
    private static bool AreOfTheirSizes(ReadOnlySpan<int> groups, int[] sizes)
    {
        for (int i = 0; i < groups.Length; i++)
        {
            int size = sizes.Length == 0 ? 0 : sizes[Math.Min(i, sizes.Length - 1)];
            int length = groups[groups.Length - 1 - i];
            bool isLeftmost = i == groups.Length - 1;
            if (length == 0 || (isLeftmost ? size > 0 && length > size : length != size))
            {
                return false;
            }
        }

        return true;
    }
}
