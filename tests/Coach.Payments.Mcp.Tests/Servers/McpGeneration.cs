namespace Coach.Payments.Mcp.Tests;

internal enum McpGeneration
{
    /// <summary>npm @stripe/mcp 0.2.5.</summary>
    Named,

    /// <summary>The hosted server: read, write, accounts.</summary>
    Dispatcher,

    /// <summary>The hosted server earlier in 2026: one tool for both, no accounts.</summary>
    Execute,
}
