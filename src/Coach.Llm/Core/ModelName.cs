namespace Coach.Llm.Core;

/// <summary>Names of models: callers and servers choose them, so only what looks like one is shown.</summary>
internal static class ModelName
{
    public const int MaxLength = 64;

    public const string Other = "other";

    public static bool IsPlain(string model) => model.Length is > 0 and <= MaxLength
        && model.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '/');

    /// <summary>The name, or "other" for a text that is none.</summary>
    public static string Shown(string model) => IsPlain(model) ? model : Other;
}
