using System;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>How a run will go about its input, and what that is expected to take.</summary>
public sealed class RunPlan
{
    internal RunPlan(MemoryPlan plan)
    {
        (MemoryLimit, ExpectedBytes, InParts) = (plan.Limit, plan.Bytes, plan.Sizes is not null);
        ExpectedTime = TimeSpan.FromSeconds(Math.Min(plan.Seconds, 1e9));
        Text = MemoryPlanModule.describe(plan);
        Details = "";
    }

    internal RunPlan(DifferentialPlan plan)
    {
        (MemoryLimit, ExpectedBytes, InParts) = (plan.Limit, plan.Bytes, plan.Sizes is not null);
        ExpectedTime = TimeSpan.FromSeconds(Math.Min(plan.Seconds, 1e9));
        Text = DifferentialPlanModule.describe(plan);
        Details = DifferentialPlanModule.explain(plan);
    }

    /// <summary>Bytes that the process may hold.</summary>
    public long MemoryLimit { get; }

    /// <summary>Bytes that it is expected to hold at most.</summary>
    public long ExpectedBytes { get; }

    /// <summary>How long it may take, from rates measured on one machine: a hint.</summary>
    public TimeSpan ExpectedTime { get; }

    /// <summary>Whether the input is worked on in parts that are kept on disk while the run lasts.</summary>
    public bool InParts { get; }

    /// <summary>A line for a person.</summary>
    public string Text { get; }

    /// <summary>How the run goes about its input, in a sentence; empty for co-expression, whose record tells it.</summary>
    public string Details { get; }
}
