"""The only folder that imports ray: sessions, actor pools, distributed training, job submission."""
