using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace CoExpr.Benchmarks;

static class Program
{
    // Within this process: a project of BenchmarkDotNet's own would not find the packages.
    static void Main(string[] arguments)
    {
        if (arguments is ["resampling", .. var files])
            ResamplingCost.Run(files);
        else if (arguments is ["two-samples", .. var scripts])
            TwoSampleCost.Run(scripts);
        else if (arguments is ["bulk"])
            BulkCost.Run();
        else if (arguments is ["negative-binomial", .. var folders])
            NegativeBinomialCost.Run(folders);
        else if (arguments is ["covariates"])
            CovariateCost.Run();
        else if (arguments is ["evaluation", .. var sizes])
            EvaluationCost.Run(sizes);
        else
            Measure(arguments);
    }

    static void Measure(string[] arguments) =>
        BenchmarkSwitcher
            .FromAssembly(typeof(Program).Assembly)
            .Run(
                arguments.Length == 0 ? ["--filter", "*"] : arguments,
                DefaultConfig.Instance.AddJob(
                    Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(5)
                )
            );
}
