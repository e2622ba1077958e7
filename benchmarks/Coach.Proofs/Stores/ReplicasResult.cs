namespace Coach.Proofs.Stores;

/// <summary>What callers saw through kills and outages.</summary>
/// <param name="Cases">Answers that came.</param>
/// <param name="Failed">The sum of what must be 0.</param>
/// <param name="Seed">What decided kills and calls.</param>
/// <param name="Kills">How often a replica was killed.</param>
/// <param name="Links">Payment operations.</param>
/// <param name="Turns">Turns that the answer did not call unkept.</param>
/// <param name="Unkept">Turns that the answer said are not kept.</param>
/// <param name="Refused">Answers 503 with a code.</param>
/// <param name="Duplicates">Operations with more than one link at the provider.</param>
/// <param name="DoubleCredits">Payments that were told as paid more than once.</param>
/// <param name="LostSessions">Sessions that a replica did not know at the end.</param>
/// <param name="LostConversations">Conversations that lack a kept turn on a replica at the end.</param>
/// <param name="Http500">Answers 500, and answers 503 without a code.</param>
/// <param name="Overshoot">Requests granted past the limit while Redis was up, or past replicas × limit in all, and model calls past
/// a session's budget by the provider's count.</param>
/// <param name="Leaks">Keys and texts found in tables, in the append-only file or in a dump.</param>
/// <param name="OverBudget">Calls that the budget refused.</param>
/// <param name="BudgetCalls">Model calls of the session that asks past its budget.</param>
internal sealed record ReplicasResult(
    int Cases, int Failed, int Seed, int Kills, int Links, int Turns, int Unkept, int Refused, int Duplicates, int DoubleCredits,
    int LostSessions, int LostConversations, int Http500, int Overshoot, int Leaks, int OverBudget, int BudgetCalls);
