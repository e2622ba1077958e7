namespace Coach.Rag.Analysis;

/// <summary>
/// Reduces English words to stems: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with the two
/// departures of the author's own implementation (tartarus.org/martin/PorterStemmer): <c>bli → ble</c>, <c>logi →
/// log</c>.
/// </summary>
internal static class PorterStemmer
{
    /// <summary>Stems lower-case ASCII letters in place.</summary>
    /// <returns>The length of the stem.</returns>
    public static int Stem(Span<char> word)
    {
        if (word.Length <= 2)
        {
            return word.Length;
        }

        int n = Step1A(word, word.Length);
        n = Step1B(word, n);
        n = Step1C(word, n);
        n = Step2(word, n);
        n = Step3(word, n);
        n = Step4(word, n);
        return Step5(word, n);
    }

    private static bool IsConsonant(ReadOnlySpan<char> w, int i) => w[i] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => i == 0 || !IsConsonant(w, i - 1),
        _ => true,
    };

    // The number of vowel-consonant sequences in w[..n].
    private static int Measure(ReadOnlySpan<char> w, int n)
    {
        int i = 0;
        int m = 0;
        while (i < n && IsConsonant(w, i))
        {
            i++;
        }

        while (i < n)
        {
            while (i < n && !IsConsonant(w, i))
            {
                i++;
            }

            if (i == n)
            {
                break;
            }

            m++;
            while (i < n && IsConsonant(w, i))
            {
                i++;
            }
        }

        return m;
    }

    private static bool HasVowel(ReadOnlySpan<char> w, int n)
    {
        for (int i = 0; i < n; i++)
        {
            if (!IsConsonant(w, i))
            {
                return true;
            }
        }

        return false;
    }

    private static bool EndsDouble(ReadOnlySpan<char> w, int n) =>
        n >= 2 && w[n - 1] == w[n - 2] && IsConsonant(w, n - 1);

    private static bool EndsCvc(ReadOnlySpan<char> w, int n) =>
        n >= 3 && IsConsonant(w, n - 1) && !IsConsonant(w, n - 2) && IsConsonant(w, n - 3)
            && w[n - 1] is not ('w' or 'x' or 'y');

    private static bool Ends(ReadOnlySpan<char> w, int n, string suffix) =>
        w[..n].EndsWith(suffix, StringComparison.Ordinal);

    private static int Replace(Span<char> w, int stem, string by)
    {
        by.CopyTo(w[stem..]);
        return stem + by.Length;
    }

    private static int Step1A(Span<char> w, int n)
    {
        if (w[n - 1] != 's')
        {
            return n;
        }

        if (Ends(w, n, "sses") || Ends(w, n, "ies"))
        {
            return n - 2;
        }

        return w[n - 2] == 's' ? n : n - 1;
    }

    private static int Step1B(Span<char> w, int n)
    {
        if (Ends(w, n, "eed"))
        {
            return Measure(w, n - 3) > 0 ? n - 1 : n;
        }

        int suffix = Ends(w, n, "ing") ? 3 : 2;
        int stem = n - suffix;
        if ((suffix == 2 && !Ends(w, n, "ed")) || !HasVowel(w, stem))
        {
            return n;
        }

        n = stem;
        if (Ends(w, n, "at") || Ends(w, n, "bl") || Ends(w, n, "iz"))
        {
            w[n] = 'e';
            return n + 1;
        }

        if (EndsDouble(w, n) && w[n - 1] is not ('l' or 's' or 'z'))
        {
            return n - 1;
        }

        if (Measure(w, n) == 1 && EndsCvc(w, n))
        {
            w[n] = 'e';
            return n + 1;
        }

        return n;
    }

    private static int Step1C(Span<char> w, int n)
    {
        if (w[n - 1] == 'y' && HasVowel(w, n - 1))
        {
            w[n - 1] = 'i';
        }

        return n;
    }

    private static readonly (string Suffix, string By)[] Step2Rules =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
        ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
        ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
        ("iviti", "ive"), ("biliti", "ble"), ("logi", "log"),
    ];

    private static readonly (string Suffix, string By)[] Step3Rules =
    [
        ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
    ];

    private static readonly string[] Step4Suffixes =
    [
        "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion",
        "al", "er", "ic", "ou",
    ];

    private static int Step2(Span<char> w, int n) => ReplaceFirst(w, n, Step2Rules);

    private static int Step3(Span<char> w, int n) => ReplaceFirst(w, n, Step3Rules);

    private static int ReplaceFirst(Span<char> w, int n, (string Suffix, string By)[] rules)
    {
        foreach ((string suffix, string by) in rules)
        {
            if (n > suffix.Length && Ends(w, n, suffix))
            {
                return Measure(w, n - suffix.Length) > 0 ? Replace(w, n - suffix.Length, by) : n;
            }
        }

        return n;
    }

    private static int Step4(Span<char> w, int n)
    {
        foreach (string suffix in Step4Suffixes)
        {
            if (n > suffix.Length && Ends(w, n, suffix))
            {
                int stem = n - suffix.Length;
                bool applies = Measure(w, stem) > 1 && (suffix != "ion" || w[stem - 1] is 's' or 't');
                return applies ? stem : n;
            }
        }

        return n;
    }

    private static int Step5(Span<char> w, int n)
    {
        if (w[n - 1] == 'e')
        {
            int m = Measure(w, n - 1);
            if (m > 1 || (m == 1 && !EndsCvc(w, n - 1)))
            {
                n--;
            }
        }

        return n > 1 && w[n - 1] == 'l' && EndsDouble(w, n) && Measure(w, n - 1) > 1 ? n - 1 : n;
    }
}
