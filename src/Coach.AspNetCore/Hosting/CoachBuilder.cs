using Coach.Llm;
using Coach.Observability;
using Coach.Payments;
using Coach.Rag;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore;

/// <summary>What <c>AddCoach</c> returns: the builder of each package, to choose or add parts.</summary>
public sealed class CoachBuilder
{
    internal CoachBuilder(
        IServiceCollection services, CoachLlmBuilder llm, CoachRagBuilder rag, CoachPaymentsBuilder payments,
        CoachUsageBuilder usage, CoachObservabilityBuilder observability)
    {
        Services = services;
        Llm = llm;
        Rag = rag;
        Payments = payments;
        Usage = usage;
        Observability = observability;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Providers, keys and session clients.</summary>
    public CoachLlmBuilder Llm { get; }

    /// <summary>
    /// The pipeline that answers <c>POST /api/chat</c>: guards, tools, system prompt, history, stages of the host's
    /// own.
    /// </summary>
    public CoachChatBuilder Chat => Llm.Chat;

    /// <summary>Documents, index and embeddings.</summary>
    public CoachRagBuilder Rag { get; }

    /// <summary>Gateway and stores.</summary>
    public CoachPaymentsBuilder Payments { get; }

    /// <summary>Prices, ledger and budgets.</summary>
    public CoachUsageBuilder Usage { get; }

    /// <summary>Gauges and health.</summary>
    public CoachObservabilityBuilder Observability { get; }
}
