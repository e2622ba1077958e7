using System.Globalization;
using System.Text;
using AngleSharp.Html;

namespace Coach.Rag.Documents;

/// <summary>References to characters by name or number, such as <c>&amp;amp;</c>.</summary>
internal static class CharacterReference
{
    /// <summary>The longest that one is, in characters.</summary>
    public const int MaxLength = 33;

    /// <summary>
    /// The one at the start of a text, as HTML reads it: the longest name that is known, with or without its semicolon.
    /// Null when there is none.
    /// </summary>
    public static (string Text, int Length)? Find(ReadOnlySpan<char> text)
    {
        int end = 1;
        if (text.Length > 2 && text[1] == '#')
        {
            bool isHex = text[2] is 'x' or 'X';
            int first = end = isHex ? 3 : 2;
            while (end < text.Length && (isHex ? char.IsAsciiHexDigit(text[end]) : char.IsAsciiDigit(text[end])))
            {
                end++;
            }

            if (end == first)
            {
                return null;
            }

            NumberStyles style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
            int code = int.TryParse(text[first..end], style, CultureInfo.InvariantCulture, out int parsed)
                ? parsed
                : -1;
            string character = HtmlEntityProvider.GetSymbolFromTable(code)
                ?? (Rune.IsValid(code) && code != 0 ? new Rune(code).ToString() : "\uFFFD");
            return (character, end < text.Length && text[end] == ';' ? end + 1 : end);
        }

        while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
        {
            end++;
        }

        if (end < text.Length && text[end] == ';'
            && HtmlEntityProvider.Resolver.GetSymbol(text[1..(end + 1)].ToString()) is { } full)
        {
            return (full, end + 1);
        }

        for (; end > 2; end--)
        {
            if (HtmlEntityProvider.Resolver.GetSymbol(text[1..end].ToString()) is { } known)
            {
                return (known, end);
            }
        }

        return null;
    }
}
