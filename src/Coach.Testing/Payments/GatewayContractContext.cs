using Coach.Payments;
using Coach.Payments.Gateways;

namespace Coach.Testing.Payments;

/// <summary>One run of a check of <see cref="PaymentGatewayContract"/>: the gateway, the payers, and an operation
/// nobody else uses.</summary>
internal sealed class GatewayContractContext(
    IPaymentGateway gateway, Func<string, Task<string>>? open, Func<string, Task>? pay,
    CancellationToken cancellationToken)
{
    public static Money Amount { get; } = Money.Create(1250, "usd");

    public IPaymentGateway Gateway => gateway;

    public GatewayCapabilities Can => gateway.Capabilities;

    public Func<string, Task<string>>? Open => open;

    public Func<string, Task>? Pay => pay;

    public CancellationToken Token => cancellationToken;

    public string Tag { get; } = Guid.NewGuid().ToString("N") + "00000000";

    public string LookupKey => "coach_" + Tag;

    public GatewayPriceRequest PriceRequest() => new()
    {
        IdempotencyKey = $"coach:{Tag}:price:1",
        LookupKey = LookupKey,
        Amount = Amount,
        ProductName = "Bar tab",
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        { [PaymentMetadata.Tag] = Tag, [PaymentMetadata.RequestHash] = "hash-1" },
    };

    public GatewayLinkRequest LinkRequest(GatewayPrice price) => new()
    {
        IdempotencyKey = $"coach:{Tag}:link:1",
        PriceId = price.Id,
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { [PaymentMetadata.Tag] = Tag },
        IsSingleUse = Can.HasSingleUse,
    };

    public Task<GatewayPrice> PriceAsync() =>
        ValueAsync(gateway.CreatePriceAsync(PriceRequest(), cancellationToken), "a price");

    public async Task<GatewayLink> LinkAsync()
    {
        GatewayPrice price = await PriceAsync().ConfigureAwait(false);
        return await ValueAsync(gateway.CreateLinkAsync(LinkRequest(price), cancellationToken), "a link")
            .ConfigureAwait(false);
    }

    public Task<GatewayResult<IReadOnlyList<GatewaySession>>> SessionsAsync(GatewayLink link) =>
        gateway.ListSessionsAsync(
            new GatewaySessionQuery(link.Id, Amount, DateTimeOffset.UnixEpoch.AddYears(56)), cancellationToken);

    public static async Task<T> ValueAsync<T>(Task<GatewayResult<T>> call, string what)
    {
        GatewayResult<T> result = await call.ConfigureAwait(false);
        return result.TryGet(out T? value, out GatewayFailure? failure)
            ? value
            : throw new InvalidOperationException($"The gateway broke its contract: {what} failed "
                + $"({failure.Kind}: {failure.Message}).");
    }

    public static void CheckLacks(GatewayFailure? failure, string what) =>
        Check(
            failure is { Kind: GatewayFailureKind.NotSupported, IsOutcomeUnknown: false },
            $"{what} is not among its capabilities, so it answers NotSupported");

    public static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"The gateway broke its contract: {what}.");
        }
    }
}
