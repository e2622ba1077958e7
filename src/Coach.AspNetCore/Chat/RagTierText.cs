using Coach.Rag;

namespace Coach.AspNetCore;

internal static class RagTierText
{
    public static string ToText(this RagTier tier) => tier switch
    {
        RagTier.Hybrid => "hybrid",
        RagTier.Local => "local",
        RagTier.Lexical => "lexical",
        _ => "none",
    };
}
