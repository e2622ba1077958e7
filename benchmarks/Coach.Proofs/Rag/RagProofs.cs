using System.CommandLine;

namespace Coach.Proofs.Rag;

/// <summary>The proofs of Coach.Rag.</summary>
internal static class RagProofs
{
<<<<<<< HEAD
    public static IEnumerable<Command> Commands => [RetrievalProof.Command()];
=======
    public static IEnumerable<Command> Commands => [.. IndexKillsProof.Commands()];
>>>>>>> main
}
