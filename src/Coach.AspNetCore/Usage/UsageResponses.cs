using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Usage;

namespace Coach.AspNetCore.Usage;

/// <summary><c>GET /api/usage</c>.</summary>
internal sealed record UsageResponse
{
    [JsonPropertyName("days")]
    public required IReadOnlyList<UsageDay> Days { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    [JsonPropertyName("limits")]
    public required IReadOnlyList<UsageLimit> Limits { get; init; }

    /// <summary>Null where the host sells no credits.</summary>
    [JsonPropertyName("balance")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required UsageBalance? Balance { get; init; }
}

/// <summary>What was used of one model in one day, UTC.</summary>
internal sealed record UsageDay
{
    public static UsageDay Of(UsageTotal total) => new()
    {
        Day = total.Day,
        Provider = total.Provider,
        Model = total.Model,
        Calls = total.Counts.Requests,
        InputTokens = total.Counts.TotalInput,
        CachedInputTokens = total.Counts.CachedInput,
        OutputTokens = total.Counts.TotalOutput,
        ReasoningTokens = total.Counts.Reasoning,
        CostMicro = total.Unpriced == 0 ? total.Cost.Micros : null,
        Currency = total.Cost.Currency,
        EstimatedCalls = total.Estimated,
        UnpricedCalls = total.Unpriced,
    };

    [JsonPropertyName("day")]
    public required DateOnly Day { get; init; }

    [JsonPropertyName("provider")]
    public required string Provider { get; init; }

    [JsonPropertyName("model")]
    public required string Model { get; init; }

    [JsonPropertyName("calls")]
    public required long Calls { get; init; }

    /// <summary>All of it, cached input too.</summary>
    [JsonPropertyName("inputTokens")]
    public required long InputTokens { get; init; }

    [JsonPropertyName("cachedInputTokens")]
    public required long CachedInputTokens { get; init; }

    /// <summary>All of it, reasoning too.</summary>
    [JsonPropertyName("outputTokens")]
    public required long OutputTokens { get; init; }

    [JsonPropertyName("reasoningTokens")]
    public required long ReasoningTokens { get; init; }

    /// <summary>Null where the price of a call among them is not known.</summary>
    [JsonPropertyName("costMicro")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? CostMicro { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    /// <summary>Calls that no provider counted.</summary>
    [JsonPropertyName("estimatedCalls")]
    public required long EstimatedCalls { get; init; }

    [JsonPropertyName("unpricedCalls")]
    public required long UnpricedCalls { get; init; }
}

/// <summary>A limit and how much of it is used.</summary>
internal sealed record UsageLimit
{
    public static UsageLimit Of(BudgetStatus status) => new()
    {
        Name = status.Limit,
        Scope = status.Scope,
        Period = status.Period,
        Unit = status.Unit,
        Max = status.Max,
        Used = status.Used,
        Reserved = status.Reserved,
        ResetsAt = status.ResetsAt,
    };

    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("scope")]
    [JsonConverter(typeof(CamelCase<BudgetScope>))]
    public required BudgetScope Scope { get; init; }

    [JsonPropertyName("period")]
    [JsonConverter(typeof(CamelCase<BudgetPeriod>))]
    public required BudgetPeriod Period { get; init; }

    /// <summary><c>cost</c> in micro-units, <c>tokens</c> or <c>calls</c>.</summary>
    [JsonPropertyName("unit")]
    [JsonConverter(typeof(CamelCase<BudgetUnit>))]
    public required BudgetUnit Unit { get; init; }

    [JsonPropertyName("max")]
    public required long Max { get; init; }

    [JsonPropertyName("used")]
    public required long Used { get; init; }

    [JsonPropertyName("reserved")]
    public required long Reserved { get; init; }

    [JsonPropertyName("resetsAt")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset? ResetsAt { get; init; }
}

/// <summary>Credits that were bought and not spent.</summary>
internal sealed record UsageBalance
{
    public static UsageBalance Of(CreditBalance balance) => new()
    {
        Micro = balance.Balance.Micros,
        ReservedMicro = balance.Reserved.Micros,
        Currency = balance.Balance.Currency,
    };

    [JsonPropertyName("micro")]
    public required long Micro { get; init; }

    [JsonPropertyName("reservedMicro")]
    public required long ReservedMicro { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }
}

/// <summary><c>GET /api/admin/usage</c>.</summary>
internal sealed record UsageTotalsResponse
{
    [JsonPropertyName("days")]
    public required IReadOnlyList<UsageDay> Days { get; init; }

    /// <summary>Credits of all accounts that were bought and not spent; null where the host sells none.</summary>
    [JsonPropertyName("creditsMicro")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? CreditsMicro { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }
}

/// <summary><c>GET /api/admin/usage/verify</c>.</summary>
internal sealed record UsageVerification
{
    [JsonPropertyName("isWhole")]
    public required bool IsWhole { get; init; }

    [JsonPropertyName("accounts")]
    public required int Accounts { get; init; }

    [JsonPropertyName("entries")]
    public required long Entries { get; init; }

    [JsonPropertyName("problems")]
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>The first entry of the audit log that is not what was written; null if all are.</summary>
    [JsonPropertyName("auditProblem")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? AuditProblem { get; init; }
}
