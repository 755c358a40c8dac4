namespace CoExpr

/// What multiplies one gene's mean in a cell of each group, perturbation and replicate. One gene at a time is held.
[<Sealed>]
type internal FoldChanges(options: SimulationOptions, population: Population, effectsOfGene: Effect[][]) =
    let groups = Array.create options.Groups.Count 1.0
    /// Perturbation p at p + 1; at 0, cells without a working guide.
    let perturbations = Array.create (options.Perturbations.Count + 1) 1.0
    let replicates = Array.create options.Replicates.Count 1.0

    /// One per cell, indices of the above.
    let active =
        (population.Perturbed, population.PerturbationOf)
        ||> Array.map2 (fun works perturbation -> if works then perturbation + 1 else 0)

    let power (log2: float) = System.Math.Pow(2.0, log2)

    /// Takes on the fold changes of this gene.
    member _.Load gene =
        System.Array.Fill(groups, 1.0)
        System.Array.Fill(perturbations, 1.0)

        if population.MarkerOf[gene] >= 0 then
            groups[population.MarkerOf[gene]] <- power population.MarkerLog2[gene]

        for effect in effectsOfGene[gene] do
            perturbations[effect.Perturbation + 1] <- power effect.Log2FoldChange

        for replicate in 0 .. replicates.Length - 1 do
            replicates[replicate] <- power population.ReplicateLog2[gene * replicates.Length + replicate]

    /// The gene's fold change in this cell.
    member _.Of cell =
        groups[population.GroupOf[cell]]
        * perturbations[active[cell]]
        * replicates[population.ReplicateOf[cell]]

    /// No cell has a higher one.
    member _.Highest = Array.max groups * Array.max perturbations * Array.max replicates

[<RequireQualifiedAccess>]
module internal FoldChanges =

    /// Effects by gene instead of by perturbation.
    let byGene genes (effects: Effect[]) =
        let lists = Array.init genes (fun _ -> ResizeArray<Effect>(0))
        effects |> Array.iter (fun effect -> lists[effect.Gene].Add effect)
        lists |> Array.map (fun list -> list.ToArray())
