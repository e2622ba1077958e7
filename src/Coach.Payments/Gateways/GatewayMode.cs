namespace Coach.Payments.Gateways;

/// <summary>What a gateway's credentials stand for. Anything unclear counts as <see cref="Live"/>, where nothing is
/// simulated.</summary>
public enum GatewayMode
{
    /// <summary>There is no key: no call can be made.</summary>
    NotConfigured,

    /// <summary>Real money, or a key whose kind is not known.</summary>
    Live,

    /// <summary>A test or sandbox key.</summary>
    Test,

    /// <summary>No outside call at all.</summary>
    Simulated,
}
