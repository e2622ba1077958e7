namespace Coach.Rag;

/// <summary>Receives tokens. Implemented by structs so that the tokeniser's loop is compiled for each.</summary>
internal interface ITokenSink
{
    /// <summary>Takes one folded token; the memory is reused for the next one.</summary>
    void Accept(scoped Span<char> token);
}
