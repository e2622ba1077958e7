namespace Coach.Rag.Documents;

/// <summary>Turns a text that was handed over into text with structure.</summary>
internal static class DocumentReader
{
    public static StructuredText Read(KnowledgeDocument document)
    {
        string text = WithoutLoneSurrogates(document.Text);
        if (text.StartsWith('\uFEFF'))
        {
            return Read(document, text[1..]) with { Offset = 1 };       // a byte order mark that was read as text
        }

        return Read(document, text);
    }

    /// <summary>A list of the one note, or none.</summary>
    public static IReadOnlyList<string> Notes(string? note) => note is null ? [] : [note];

    /// <summary>
    /// The text; half a surrogate pair cannot be stored as UTF-8, and the replacement character keeps every position.
    /// </summary>
    public static string WithoutLoneSurrogates(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            char[] fixedText = text.ToCharArray();
            for (int j = i; j < fixedText.Length; j++)
            {
                if (char.IsHighSurrogate(fixedText[j]) && j + 1 < fixedText.Length
                    && char.IsLowSurrogate(fixedText[j + 1]))
                {
                    j++;
                }
                else if (char.IsSurrogate(fixedText[j]))
                {
                    fixedText[j] = '\uFFFD';
                }
            }

            return new string(fixedText);
        }

        return text;
    }

    private static StructuredText Read(KnowledgeDocument document, string text)
    {
        if (document.IsOnePassage)
        {
            return new StructuredText(text, "", text.Length == 0 ? [] : [new TextBlock(0, text.Length, "")]);
        }

        return document.Format switch
        {
            TextFormat.Markdown => MarkdownReader.Read(text),
            TextFormat.Html => HtmlReader.Read(text),
            _ => PlainTextReader.Read(text),
        };
    }
}
