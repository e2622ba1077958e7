using System.CommandLine;

namespace Coach.Proofs.Llm;

/// <summary>The proofs of Coach.Llm.</summary>
internal static class LlmProofs
{
    public static IEnumerable<Command> Commands => [];
}
