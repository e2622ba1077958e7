namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>
/// A tokenizer as <c>tokenizer.json</c> describes it: added tokens, normaliser, pre-tokeniser, model. No special tokens
/// are put in.
/// </summary>
internal sealed class TextTokenizer(
    ITextNormalizer? normalizer, IReadOnlyList<ITextSplitter> splitters, ITokenModel model,
    IReadOnlyList<(string Content, int Id)> addedTokens, int medianTokenLength)
{
    /// <summary>The id that is left out of the mean; null when none is.</summary>
    public int? UnknownId => model.UnknownId;

    /// <summary>The middle length of the vocabulary's tokens, in characters.</summary>
    public int MedianTokenLength => medianTokenLength;

    /// <summary>The tokens of a text.</summary>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        int start = 0;
        for (int at = 0; at < text.Length;)
        {
            (string Content, int Id) added = FindAdded(text, at);
            if (added.Content is null)
            {
                at++;
                continue;
            }

            EncodePart(text[start..at], start == 0, ids);
            ids.Add(added.Id);
            at += added.Content.Length;
            start = at;
        }

        EncodePart(text[start..], start == 0, ids);
        return ids;
    }

    private (string Content, int Id) FindAdded(string text, int at)
    {
        // The longest come first.
        foreach ((string content, int id) in addedTokens)
        {
            if (text[at] == content[0] && text.AsSpan(at).StartsWith(content, StringComparison.Ordinal))
            {
                return (content, id);
            }
        }

        return default;
    }

    private void EncodePart(string part, bool isFirst, List<int> ids)
    {
        if (part.Length == 0)
        {
            return;
        }

        string text = normalizer?.Normalize(part) ?? part;
        if (text.Length == 0)
        {
            return;
        }

        List<string> pieces = [text];
        foreach (ITextSplitter splitter in splitters)
        {
            var parts = new List<string>();
            for (int i = 0; i < pieces.Count; i++)
            {
                splitter.Split(pieces[i], isFirst && i == 0, parts);
            }

            pieces = parts;
        }

        foreach (string piece in pieces)
        {
            model.Encode(piece, ids);
        }
    }
}
