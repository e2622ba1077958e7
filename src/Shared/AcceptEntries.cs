using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Coach;

/// <summary>
/// The entries of an <c>Accept</c> or <c>Accept-Encoding</c> header, over all its lines (RFC 9110 §12.4.2, §12.5).
/// </summary>
/// <remarks>
/// An entry whose weight is no number from 0 to 1 is passed over; a line of absurd length is not read.
/// </remarks>
internal ref struct AcceptEntries(StringValues header)
{
    private const int MaxLineLength = 4096;

    private int _line = -1;
    private ReadOnlySpan<char> _rest;

    public AcceptEntry Current { get; private set; }

    public readonly AcceptEntries GetEnumerator() => this;

    public bool MoveNext()
    {
        for (; ; )
        {
            while (_rest.IsEmpty)
            {
                if (++_line >= header.Count)
                {
                    return false;
                }

                _rest = header[_line] is { Length: <= MaxLineLength } line ? line : "";
            }

            ReadOnlySpan<char> entry = Cut(ref _rest, ',');
            ReadOnlySpan<char> name = Cut(ref entry, ';').Trim();
            if (!name.IsEmpty && AcceptEntry.Parse(name, entry) is { Weight: >= 0 } parsed)
            {
                Current = parsed;
                return true;
            }
        }
    }

    /// <summary>Takes what stands before the next separator that is not inside quotes.</summary>
    public static ReadOnlySpan<char> Cut(scoped ref ReadOnlySpan<char> text, char separator)
    {
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && isQuoted)
            {
                i++;
            }
            else if (text[i] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (text[i] == separator && !isQuoted)
            {
                ReadOnlySpan<char> part = text[..i];
                text = text[(i + 1)..];
                return part;
            }
        }

        ReadOnlySpan<char> all = text;
        text = [];
        return all;
    }
}

/// <summary>One entry: a media range or a coding, its parameters and its weight.</summary>
internal readonly ref struct AcceptEntry
{
    private AcceptEntry(ReadOnlySpan<char> name, ReadOnlySpan<char> parameters, double weight)
    {
        Name = name;
        Parameters = parameters;
        Weight = weight;
    }

    public ReadOnlySpan<char> Name { get; }

    /// <summary>0 (refused) to 1; 1 when the entry names none; negative when it is no weight.</summary>
    public double Weight { get; }

    private ReadOnlySpan<char> Parameters { get; }

    public static AcceptEntry Parse(ReadOnlySpan<char> name, ReadOnlySpan<char> parameters) =>
        new(name, parameters, TryParameter(parameters, "q", out ReadOnlySpan<char> text) ? WeightOf(text) : 1);

    public bool Is(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    public bool TryParameter(string name, out ReadOnlySpan<char> value) => TryParameter(Parameters, name, out value);

    private static double WeightOf(ReadOnlySpan<char> text)
    {
        bool isNumber = double.TryParse(
            text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double weight);
        return isNumber && weight is >= 0 and <= 1 ? weight : -1;
    }

    private static bool TryParameter(ReadOnlySpan<char> parameters, string name, out ReadOnlySpan<char> value)
    {
        while (!parameters.IsEmpty)
        {
            ReadOnlySpan<char> parameter = AcceptEntries.Cut(ref parameters, ';');
            int equals = parameter.IndexOf('=');
            if (equals > 0 && parameter[..equals].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                value = parameter[(equals + 1)..].Trim().Trim('"');
                return true;
            }
        }

        value = [];
        return false;
    }
}
