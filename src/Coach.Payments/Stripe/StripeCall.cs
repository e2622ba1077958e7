using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Stripe;

/// <summary>What an answer of Stripe says beside its body.</summary>
/// <param name="IsReplay">Whether it is the stored answer of an earlier request with the same key.</param>
/// <param name="RequestId">Stripe's id of the request; null when it sent none.</param>
/// <param name="ServerTime">Stripe's clock, else ours.</param>
internal readonly record struct StripeReply(bool IsReplay, string? RequestId, DateTimeOffset ServerTime);

/// <summary>Reads the JSON of a success; null for another shape.</summary>
internal delegate GatewayResult<T>? StripeReader<T>(JsonElement json, StripeReply reply);

/// <summary>One request to Stripe.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">The path with its query.</param>
/// <param name="Form">The body; null for none.</param>
/// <param name="IdempotencyKey">The key under which Stripe stores the answer; null for none.</param>
internal readonly record struct StripeCall(
    HttpMethod Method, string Path, StripeForm? Form = null, string? IdempotencyKey = null);
