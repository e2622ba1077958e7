namespace Coach.Rag.Analysis;

/// <summary>
/// Cuts text into folded tokens: runs of letters and digits in any script; pairs of characters where a script has no
/// spaces; for identifiers such as <c>RetrieveAsync</c> the whole and its parts. The possessive <c>'s</c> is cut.
/// </summary>
internal static class Tokenizer
{
    /// <summary>Longer runs are cut here, so that no text can make an unbounded token.</summary>
    public const int MaxTokenLength = 64;

    private const int MinPartLength = 3;
    private const int MaxNamedLength = 16;

    public static void Run<TSink>(ReadOnlySpan<char> text, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        Span<char> buffer = stackalloc char[MaxTokenLength + 8];
        byte[] classes = CharacterMap.Class;
        int i = 0;
        while (i < text.Length)
        {
            switch (classes[text[i]])
            {
                case CharacterMap.Word:
                    i = Word(text, i, buffer, ref sink);
                    break;
                case CharacterMap.Unspaced:
                    i = Unspaced(text, i, buffer, ref sink);
                    break;
                default:
                    i++;
                    break;
            }
        }
    }

    private static int Word<TSink>(ReadOnlySpan<char> text, int start, scoped Span<char> buffer, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        byte[] classes = CharacterMap.Class;
        char[] fold = CharacterMap.Fold;
        int length = 0;
        int i = start;
        bool mixed = false;
        char previous = '\0';
        for (; i < text.Length; i++)
        {
            char c = text[i];
            byte kind = classes[c];
            if (kind == CharacterMap.Ignorable)
            {
                continue;
            }

            if (kind != CharacterMap.Word)
            {
                break;
            }

            mixed |= char.IsAsciiLetterUpper(c) && char.IsAsciiLetterLower(previous);
            previous = c;
            if (length < MaxTokenLength)
            {
                length += FoldTo(c, fold, buffer[length..]);
            }
        }

        int end = i;
        if (i + 1 < text.Length && text[i] is '\'' or '’' && text[i + 1] is 's' or 'S'
            && (i + 2 == text.Length || classes[text[i + 2]] != CharacterMap.Word))
        {
            i += 2;
        }

        if (length == 1 && buffer[0] is >= 'α' and <= 'ω')
        {
            // "TNF-α" and "TNF-alpha" are the same thing.
            ReadOnlySpan<char> name = GreekNames[buffer[0] - 'α'];
            name.CopyTo(buffer);
            length = name.Length;
        }

        int sign = SignAfter(text, start, end);
        if (sign > 0)
        {
            // "C++" and "C#" are other words than "C"; of "Notepad++" the word counts, too.
            if (length > 1)
            {
                Emit(buffer, length, text[start..end], ref sink);
            }

            text.Slice(end, sign).CopyTo(buffer[length..]);
            sink.Accept(buffer[..(length + sign)], default);
            return end + sign;
        }

        if (length == 3 && IsDotNet(text, start, buffer))
        {
            ".net".CopyTo(buffer);
            sink.Accept(buffer[..4], default);
            "net".CopyTo(buffer);
        }

        if (length > 0)
        {
            sink.Accept(buffer[..length], length == 1 ? default : text[start..end]);
        }

        if (mixed && end - start <= MaxTokenLength)
        {
            Parts(text[start..end], buffer, ref sink);
        }

        return i;
    }

    /// <summary>Writes a letter as terms have it.</summary>
    /// <returns>How many letters it makes: up to three.</returns>
    public static int FoldTo(char letter, Span<char> to) => FoldTo(letter, CharacterMap.Fold, to);

    private static int FoldTo(char letter, char[] fold, Span<char> to)
    {
        char folded = fold[letter];
        switch (folded)
        {
            case 'ß':
                to[0] = 's';
                to[1] = 's';
                return 2;
            case 'æ' or 'œ':
                to[0] = folded == 'æ' ? 'a' : 'o';
                to[1] = 'e';
                return 2;
            case >= 'ﬀ' and <= 'ﬆ':
                // Compatibility composition: the ligatures of printed pages.
                ReadOnlySpan<char> letters = Ligatures[folded - 'ﬀ'];
                letters.CopyTo(to);
                return letters.Length;
            default:
                to[0] = folded;
                return 1;
        }
    }

    private static readonly string[] Ligatures = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"];

    // A sink works in the memory that it gets, so a token that is used again is given as a copy.
    private static void Emit<TSink>(
        scoped ReadOnlySpan<char> buffer, int length, ReadOnlySpan<char> written, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        Span<char> copy = stackalloc char[MaxTokenLength + 8];
        buffer[..length].CopyTo(copy);
        sink.Accept(copy[..length], written);
    }

    // How long the sign is that makes a name of a word: "++" behind any, "#" behind a single letter.
    private static int SignAfter(ReadOnlySpan<char> text, int start, int end)
    {
        int sign = 0;
        if (end - start > MaxNamedLength || !char.IsAsciiLetter(text[start]))
        {
            return 0;
        }

        if (end + 1 < text.Length && text[end] == '+' && text[end + 1] == '+')
        {
            sign = 2;
        }
        else if (end < text.Length && text[end] == '#' && end - start == 1)
        {
            sign = 1;
        }

        bool isJoined = end + sign < text.Length
            && (char.IsLetter(text[end + sign]) || text[end + sign] is '+' or '#');
        return isJoined ? 0 : sign;
    }

    // ".NET", but not the end of "ASP.NET" or "example.net".
    private static bool IsDotNet(ReadOnlySpan<char> text, int start, ReadOnlySpan<char> word) =>
        word.StartsWith("net")
        && start > 0
        && text[start - 1] == '.'
        && (start == 1 || CharacterMap.Class[text[start - 2]] != CharacterMap.Word);

    private static readonly string[] GreekNames =
    [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
        "xi", "omicron",
        "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    ];

    // "RetrieveAsync" is also "retrieve" and "async"; parts shorter than three letters say too little ("mRNA",
    // "IChatClient").
    private static void Parts<TSink>(ReadOnlySpan<char> word, scoped Span<char> buffer, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        int start = 0;
        for (int i = 1; i <= word.Length; i++)
        {
            bool boundary = i == word.Length
                || (char.IsAsciiLetterUpper(word[i])
                && (!char.IsAsciiLetterUpper(word[i - 1])
                || (i + 1 < word.Length && char.IsAsciiLetterLower(word[i + 1]))));
            if (!boundary)
            {
                continue;
            }

            if (i - start >= MinPartLength && i - start < word.Length)
            {
                Span<char> part = buffer[..(i - start)];
                for (int j = start; j < i; j++)
                {
                    part[j - start] = CharacterMap.Fold[word[j]];
                }

                sink.Accept(part, word[start..i]);
            }

            start = i;
        }
    }

    private static int Unspaced<TSink>(ReadOnlySpan<char> text, int start, scoped Span<char> buffer, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        // Compatibility composition goes with it: half-width letters are wide, a voicing mark joins its letter.
        char last = '\0';
        int count = 0;
        int i = start;
        while (i < text.Length && CharacterMap.Class[text[i]] == CharacterMap.Unspaced)
        {
            char c = CharacterMap.Fold[text[i++]];
            if (i < text.Length && Kana.Compose(c, text[i]) is not '\0' and var composed)
            {
                c = composed;
                i++;
            }

            if (count++ > 0)
            {
                buffer[0] = last;
                buffer[1] = c;
                sink.Accept(buffer[..2], default);
            }

            last = c;
        }

        if (count == 1)
        {
            buffer[0] = last;
            sink.Accept(buffer[..1], default);
        }

        return i;
    }
}

/// <summary>Receives tokens. Implemented by structs so that the tokeniser's loop is compiled for each.</summary>
internal interface ITokenSink
{
    /// <summary>Takes one token; its memory is reused for the next one.</summary>
    /// <param name="token">The token, folded.</param>
    /// <param name="written">The word as the text has it; empty for a token that is no word of a language.</param>
    void Accept(scoped Span<char> token, scoped ReadOnlySpan<char> written);
}
