using System.Diagnostics.CodeAnalysis;

namespace Coach.Payments.Gateways;

/// <summary>What one attempt at the payment provider gave: a value or a failure. <c>default</c> is a failure of unknown
/// outcome.</summary>
/// <typeparam name="T">The value.</typeparam>
public readonly struct GatewayResult<T>
{
    private static readonly GatewayFailure Nothing = new(GatewayFailureKind.Unknown, "The gateway gave no result.");

    private readonly bool _isSuccess;
    private readonly GatewayFailure? _failure;

    /// <summary>A success.</summary>
    /// <param name="value">The value.</param>
    public GatewayResult(T value)
    {
        Value = value;
        _isSuccess = true;
    }

    /// <summary>A failure.</summary>
    /// <param name="failure">How it failed.</param>
    public GatewayResult(GatewayFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        _failure = failure;
    }

    /// <summary>The value of a success.</summary>
    public T? Value { get; }

    /// <summary>The failure, or null for a success.</summary>
    public GatewayFailure? Failure => _isSuccess ? null : _failure ?? Nothing;

    /// <summary>Whether there is a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="failure">The failure.</param>
    /// <returns>Whether the attempt succeeded.</returns>
    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out GatewayFailure? failure)
    {
        value = Value;
        failure = Failure;
        return _isSuccess;
    }

    /// <summary>A success.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The result.</returns>
    public static implicit operator GatewayResult<T>(T value) => new(value);

    /// <summary>A failure.</summary>
    /// <param name="failure">How it failed.</param>
    /// <returns>The result.</returns>
    public static implicit operator GatewayResult<T>(GatewayFailure failure) => new(failure);
}
