using System.CommandLine;

namespace Coach.Proofs.Rag;

/// <summary>The proofs of Coach.Rag.</summary>
internal static class RagProofs
{
    public static IEnumerable<Command> Commands => [RetrievalProof.Command(), DerivedRetrievalProof.Command(), LexicalScaleProof.Command(), LatentScaleProof.Command(), DenseRecallProof.Command(), EncoderProof.Command(), TyposProof.Command(),
        DocumentsProof.Command(), ReaderFuzzProof.Command(), ScopesProof.Command(), FollowUpsProof.Command(),
        .. IndexKillsProof.Commands(), IndexScaleProof.Command(), IndexSizeProof.Command(), CommitScaleProof.Command()];
}
