using System.CommandLine;

namespace Coach.Proofs.Observability;

/// <summary>The proofs of Coach.Observability.</summary>
internal static class ObservabilityProofs
{
    public static IEnumerable<Command> Commands => [];
}
