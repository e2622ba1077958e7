namespace Coach.Payments.Mcp.Tests;

/// <summary>What can go wrong with one tool call; "after" means that Stripe did what was asked.</summary>
internal enum McpFault
{
    None,
    HangBefore,
    HangAfter,
    BreakBefore,
    BreakAfter,
    ErrorBefore,
    ErrorAfter,
    ServerErrorBefore,
    ServerErrorAfter,
    EmptyAfter,
    TruncatedAfter,
    OversizedAfter,
    SentenceBefore,
    SentenceAfter,
    NeedsConfirmation,
    RateLimited,
}
