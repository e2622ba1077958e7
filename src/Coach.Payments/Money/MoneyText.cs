using System.Globalization;

namespace Coach.Payments;

/// <summary>Amounts as people write and read them, digit by digit: no floating point.</summary>
internal static class MoneyText
{
    private const int LongestText = 64;

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
        if (!code.IsEmpty && !string.IsNullOrEmpty(currency) && !code.Equals(currency, StringComparison.OrdinalIgnoreCase))
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

    private static bool TryDigits(ReadOnlySpan<char> text, CurrencyRules rules, NumberFormatInfo format, out long minorUnits)
    {
        minorUnits = 0;
        int dot = text.IndexOf(format.NumberDecimalSeparator, StringComparison.Ordinal);
        ReadOnlySpan<char> whole = dot < 0 ? text : text[..dot];
        ReadOnlySpan<char> part = dot < 0 ? default : text[(dot + format.NumberDecimalSeparator.Length)..];
        if (whole.IsEmpty || (dot >= 0 && part.IsEmpty) || part.Length > rules.ShownDigits || !TryWhole(whole, format, out long units))
        {
            return false;
        }

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

    private static bool TryWhole(ReadOnlySpan<char> whole, NumberFormatInfo format, out long units)
    {
        units = 0;
        int sinceGroup = 0;
        bool grouped = false;
        string separator = format.NumberGroupSeparator;
        for (int i = 0; i < whole.Length; i++)
        {
            if (char.IsAsciiDigit(whole[i]))
            {
                units = (units * 10) + (whole[i] - '0');
                sinceGroup++;
                if (units > Money.MaxMinorUnits)
                {
                    return false;
                }

                continue;
            }

            // A group separator stands after one to three digits the first time, after exactly three from then on.
            if (separator.Length == 0 || !whole[i..].StartsWith(separator, StringComparison.Ordinal)
                || sinceGroup == 0 || sinceGroup > 3 || (grouped && sinceGroup != 3))
            {
                return false;
            }

            grouped = true;
            sinceGroup = 0;
            i += separator.Length - 1;
        }

        return !grouped || sinceGroup == 3;
    }
}
