namespace Coach.Usage;

/// <summary>What an account has.</summary>
/// <param name="Balance">What was bought and given, without what was spent and taken back; below zero where a payment
/// was taken back whose credits were spent.</param>
/// <param name="Reserved">What calls that run have set aside.</param>
public sealed record CreditBalance(MicroAmount Balance, MicroAmount Reserved)
{
    /// <summary>What a new call may spend.</summary>
    public MicroAmount Available => Balance - Reserved;
}
