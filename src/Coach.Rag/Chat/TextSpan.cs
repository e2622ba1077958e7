namespace Coach.Rag;

/// <summary>A piece of an answer's text.</summary>
/// <param name="Start">Its first UTF-16 code unit, from 0.</param>
/// <param name="Length">How many of them.</param>
public readonly record struct TextSpan(int Start, int Length);
