using System.CommandLine;

namespace Coach.Proofs.Payments;

/// <summary>The proofs of Coach.Payments.</summary>
internal static class PaymentProofs
{
    public static IEnumerable<Command> Commands => [];
}
