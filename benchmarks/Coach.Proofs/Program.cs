using System.CommandLine;
using Coach.Proofs.Deployment;
using Coach.Proofs.Host;
using Coach.Proofs.Llm;
using Coach.Proofs.Memo;
using Coach.Proofs.Observability;
using Coach.Proofs.Payments;
using Coach.Proofs.Rag;
using Coach.Proofs.Stores;
using Coach.Proofs.Usage;

var root = new RootCommand("Figures that no micro-benchmark can give: quality, fault schedules, kills, races, memory. Each command ends in one JSON line.");
foreach (Command command in LlmProofs.Commands.Concat(RagProofs.Commands).Concat(PaymentProofs.Commands).Concat(ObservabilityProofs.Commands).Concat(HostProofs.Commands).Concat(UsageProofs.Commands).Concat(StoreProofs.Commands).Concat(MemoProofs.Commands)
    .Concat(DeploymentProofs.Commands))
{
    root.Subcommands.Add(command);
}

return await root.Parse(args).InvokeAsync();
