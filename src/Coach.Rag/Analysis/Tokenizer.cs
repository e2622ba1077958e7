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

    public static void Run<TSink>(ReadOnlySpan<char> text, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        Span<char> buffer = stackalloc char[MaxTokenLength + 4];
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
                char folded = fold[c];
                switch (folded)
                {
                    case 'ß':
                        buffer[length++] = 's';
                        buffer[length++] = 's';
                        break;
                    case 'æ' or 'œ':
                        buffer[length++] = folded == 'æ' ? 'a' : 'o';
                        buffer[length++] = 'e';
                        break;
                    default:
                        buffer[length++] = folded;
                        break;
                }
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

        if (length > 0)
        {
            sink.Accept(buffer[..length]);
        }

        if (mixed && end - start <= MaxTokenLength)
        {
            Parts(text[start..end], buffer, ref sink);
        }

        return i;
    }

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

                sink.Accept(part);
            }

            start = i;
        }
    }

    private static int Unspaced<TSink>(ReadOnlySpan<char> text, int start, scoped Span<char> buffer, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        int i = start;
        while (i < text.Length && CharacterMap.Class[text[i]] == CharacterMap.Unspaced)
        {
            i++;
        }

        if (i - start == 1)
        {
            buffer[0] = CharacterMap.Fold[text[start]];
            sink.Accept(buffer[..1]);
        }

        for (int j = start; j + 1 < i; j++)
        {
            buffer[0] = CharacterMap.Fold[text[j]];
            buffer[1] = CharacterMap.Fold[text[j + 1]];
            sink.Accept(buffer[..2]);
        }

        return i;
    }
}

/// <summary>Receives tokens. Implemented by structs so that the tokeniser's loop is compiled for each.</summary>
internal interface ITokenSink
{
    /// <summary>Takes one folded token; the memory is reused for the next one.</summary>
    void Accept(scoped Span<char> token);
}
