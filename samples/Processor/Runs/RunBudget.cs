namespace Processor.Runs;

/// <summary>What a run may use. A controller sets it while the run goes on; null is no limit.</summary>
/// <param name="Tokens">Pieces of the answer.</param>
/// <param name="Time">From the run's start.</param>
/// <param name="CostMicro">Millionths of the currency of the price list.</param>
internal readonly record struct RunBudget(long? Tokens, TimeSpan? Time, long? CostMicro);
